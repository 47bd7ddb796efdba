"""Who a ride is and was: the number it has, the parks it stood in, and taking two apart that were taken for one."""
