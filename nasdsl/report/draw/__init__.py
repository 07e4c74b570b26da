"""Pictures: diagrams and grids as SVG, placed and drawn without outside help, the same bytes every time."""
