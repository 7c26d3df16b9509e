"""Buttons and LEDs on GPIO and SPI."""
