"""Systems in the languages of other checkers, so that these can check ours."""
