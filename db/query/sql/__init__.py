"""SQL that writes JSON text. The same code builds the statements of both databases; `dialect` holds their differences."""
