"""The published problem on recorded spot markets: policies between the clairvoyant optimum and on-demand."""
