"""Work units: run many, resume, retry, quarantine.

units     what a unit is, what becomes of it
serial    in this process
local     supervised processes
ledger    receipts: which units need not run again
say       a unit tells how far it is
signals   end cleanly when asked to
"""
