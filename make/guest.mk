# The program that is proven. Included by the Makefile at the root.

.PHONY: image test-image

image: ## rebuild the program that is proven, its ELF file and its image root
	tools/write-image

test-image: ## the committed image comes from these sources, wherever they are built
	tools/check-image
