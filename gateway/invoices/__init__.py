"""What is asked: payment link -> invoice -> open | processing | paid | expired | void."""
