"""Work that no reader waits for: sweeping accounts on a schedule and following up on missing resources."""
