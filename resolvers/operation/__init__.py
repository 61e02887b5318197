"""One operation from its text to its plan: parse, validate, measure, select, compile."""
