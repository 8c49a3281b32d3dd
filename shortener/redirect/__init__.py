"""What a visit needs: from a code to an answer, without HTTP."""
