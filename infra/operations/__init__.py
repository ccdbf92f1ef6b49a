"""Operations on a deployed stack: backfill, redrive, reading results."""
