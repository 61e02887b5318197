"""Independent doubles of clouds, and the means to stand between them and us."""
