"""How gunicorn serves config.wsgi, wherever it is started in this folder (bin/serve, deploy/warehouse-web.service).
What is said on its command line, or in GUNICORN_CMD_ARGS, comes before.
"""

# Loaded once, before the workers: what is wrong with settings or database is one line, not one of each worker, and they
# share its memory. New code wants a restart; a reload (HUP) only starts the workers anew.
preload_app = True
workers = 2
threads = 4
timeout = 120  # seconds that a request may take: what takes longer is done by the workers of the queue
control_socket_disable = True
