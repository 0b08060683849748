"""One file a command: read options, call one study, call one renderer."""
