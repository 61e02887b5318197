"""One file a cloud, and the one transport they share. `registry` finds them."""
