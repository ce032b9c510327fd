"""What a node tells monitoring: collectors, and the reports they make."""
