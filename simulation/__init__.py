"""Exchange, worker and store in one process on virtual time: one seed decides every fault, delay and crash."""
