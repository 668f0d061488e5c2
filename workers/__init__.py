"""The verbs of Mizan: when things happen. One file per verb, every task safe to run twice."""
