"""Reports: documents as html files that load nothing from anywhere."""
