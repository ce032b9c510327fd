"""Network interfaces of guests: taps, bridges, routes, and the site's own script."""
