"""What the v2 reference defines: messages, names, times, headers, pages, filters, REST routes."""
