"""Write pages and charts that show results to people."""
