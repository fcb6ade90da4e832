# The process killed, the machine without power, disks that fail. Included by the Makefile at the root.

.PHONY: soak-crash

# In `make test` with 20 kills, 5 losses of power and one place of each failure, among the other end-to-end tests.
soak-crash: contracts/node_modules ## 200 kill -9, 50 losses of power, failing disks; CRASH_KILLS, CRASH_POWER, CRASH_SWEEP, CRASH_SWEEP_FROM, CRASH_SEED
	CRASH_KILLS=$${CRASH_KILLS:-200} CRASH_POWER=$${CRASH_POWER:-50} CRASH_SWEEP=$${CRASH_SWEEP:-12} \
		cargo test --locked -p trestle --test it crash:: -- --nocapture --test-threads=1
