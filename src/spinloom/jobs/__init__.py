"""Work units: run many, resume, retry, quarantine.

units       what a unit is, what becomes of it
serial      in this process
local       supervised processes (worker: their side)
ray_engine  a Ray cluster
work        which unit is next; patience: when one is given up
run         a folder's units, until all are done; share: a part of them
ledger      receipts: which units need not run again; journal: where they lie
claims      who works on which unit; presence: who is at work in a folder
state       where a run stands, tidying up
say         a unit tells how far it is
signals     end cleanly when asked to
"""
