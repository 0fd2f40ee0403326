"""Work units: run many, resume, retry, quarantine.

units     what a unit is, what becomes of it
serial    in this process
local     supervised processes
ledger    receipts: which units need not run again
signals   end cleanly when asked to
"""
