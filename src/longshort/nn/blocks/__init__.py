"""Building blocks of networks around the recurrent layers."""
