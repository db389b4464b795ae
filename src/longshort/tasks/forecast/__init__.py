"""Forecasting series: `resolve` the settings, `ForecastTask`, score and predict."""
