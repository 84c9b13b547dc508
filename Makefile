# Shortcuts. Each is a command that can be typed as well.
.PHONY: kind-demo kind-demo-down

kind-demo: ## The whole system on a kind cluster of your own: image, chart, canary, tuning
	scripts/kind-demo.sh

kind-demo-down:
	scripts/kind-demo.sh down
