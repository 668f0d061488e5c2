"""What is asked: invoice -> open | processing | paid | expired | void."""
