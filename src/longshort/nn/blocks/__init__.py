"""Parts of networks around the recurrent layers."""
