"""What the gateway takes and gives, measured; nothing here passes or fails."""
