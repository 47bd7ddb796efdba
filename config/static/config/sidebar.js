// Before anything is drawn: whether the sidebar was left open, so that the page does not jump when Django's own script
// opens it. From then on its class says it.
(() => {
  "use strict";
  let isOpen = true;
  try {
    isOpen = localStorage.getItem("django.admin.navSidebarIsOpen") !== "false";
  } catch {
    // no storage: open, as Django has it
  }
  if (isOpen) {
    const html = document.documentElement;
    html.classList.add("sidebar-is-open");
    addEventListener("DOMContentLoaded", () => html.classList.remove("sidebar-is-open"));
  }
})();
