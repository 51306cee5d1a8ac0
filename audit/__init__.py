"""The ledger: who decided what, when, through which door; chained so that nobody rewrites it unseen."""
