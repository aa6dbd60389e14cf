"""Nearest centres and rows, Lloyd's partial step: what cluster, summary and metrics share."""
