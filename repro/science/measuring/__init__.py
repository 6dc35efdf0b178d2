"""What is read off a trained network, and what is measured of the instruments before their readings are believed."""
