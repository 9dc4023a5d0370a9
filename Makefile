# The README gives the plain commands behind each target.
PYTHON ?= python3.11
BIN = .venv/bin

# What is installed stays; GPU=1 or GPU=0 changes it.
GPU ?= $(if $(wildcard .venv/installed-gpu),1,0)
STAMP = .venv/installed$(if $(filter 1,$(GPU)),-gpu)
OTHER = .venv/installed$(if $(filter 1,$(GPU)),,-gpu)

.PHONY: venv demo editor faces report test test-slow lint lock

venv: $(STAMP)

# TensorFlow's CPU and GPU wheels overwrite each other, so a change begins with an empty .venv.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(if $(wildcard $(OTHER)),--clear) .venv
ifeq ($(GPU),1)
	$(BIN)/pip install --quiet -e '.[gpu,dev]'
else
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
endif
	touch $@

# Sentences become drawn birds. Run it again after an interruption: every step goes on where it was.
DEMO = demo_birds
demo: venv data/$(DEMO)/set.json
	$(BIN)/python encoder/run_exp.py --cfg encoder/cfg/demo.yml
	$(BIN)/python encoder/embed.py --run runs/encoder_$(DEMO) --data data/$(DEMO)
	$(MAKE) --no-print-directory runs/classifier_$(DEMO)/classifier.json
	$(BIN)/python initial/run_exp.py --cfg initial/cfg/demo.yml
	$(BIN)/python final/run_exp.py --cfg final/cfg/demo.yml
	$(BIN)/python main.py --cfg cfg/eval_demo.yml

data/raw/$(DEMO)/drawn.json: | venv
	$(BIN)/python misc/draw_dataset.py --kind birds --preset easy --count 2000 --size 160 --out data/raw/$(DEMO)

data/$(DEMO)/set.json: | data/raw/$(DEMO)/drawn.json
	$(BIN)/python misc/preprocess_birds.py --source data/raw/$(DEMO) --out data/$(DEMO) --imsizes 32 128

# What the classifier learns attributes from: birds of no species, each attribute drawn on its own.
data/raw/$(DEMO)_mixed/drawn.json: | venv
	$(BIN)/python misc/draw_dataset.py --kind birds --preset easy --independent --count 1200 --size 96 --out data/raw/$(DEMO)_mixed

data/$(DEMO)_mixed/set.json: | data/raw/$(DEMO)_mixed/drawn.json
	$(BIN)/python misc/preprocess_birds.py --source data/raw/$(DEMO)_mixed --out data/$(DEMO)_mixed --imsizes 32 64

runs/classifier_$(DEMO)/classifier.json: | data/$(DEMO)_mixed/set.json
	$(BIN)/python -m misc.evaluation.train_classifier --data data/$(DEMO) --independent data/$(DEMO)_mixed --out runs/classifier_$(DEMO) --epochs 10 --gpu -1

# Every number about the demo, with an encoder that the GAN has not seen, and a page of them.
report: demo
	$(BIN)/python encoder/run_exp.py --cfg encoder/cfg/demo.yml --set CONFIG_NAME=encoder_held_out --set SEED=1
	$(BIN)/python main.py --cfg cfg/report_demo.yml

# Faces are drawn, and a GAN learns to draw those that are described; the time-lapse shows how.
FACES = demo_faces
FACES_RUN = runs/faces_$(FACES)
faces: venv data/$(FACES)/set.json
	$(BIN)/python faces/run_exp.py --cfg faces/cfg/progressive_demo.yml
	$(BIN)/python faces/demo.py --run $(FACES_RUN) --captions data/demo_face_captions.txt --out $(FACES_RUN)/faces.png
	$(BIN)/python faces/demo.py --run $(FACES_RUN) --timelapse $(FACES_RUN)/timelapse.webp

# An editor learns the drawn faces, and moves one that it has not seen along four attributes.
editor: venv data/$(FACES)/set.json
	$(BIN)/python editor/run_exp.py --cfg editor/cfg/demo.yml
	$(BIN)/python editor/edit.py --run runs/editor_$(FACES) --image data/raw/$(FACES)/img_align_celeba/000082.jpg --strip Smiling Eyeglasses Wearing_Hat Black_Hair --out runs/editor_$(FACES)/strips.png

data/raw/$(FACES)/drawn.json: | venv
	$(BIN)/python misc/draw_dataset.py --kind faces --preset easy --count 4000 --size 96 --out data/raw/$(FACES)

data/$(FACES)/set.json: | data/raw/$(FACES)/drawn.json
	$(BIN)/python misc/preprocess_faces.py --source data/raw/$(FACES) --whole --annotations data/raw/$(FACES)/face2text.json --out data/$(FACES) --imsizes 32 64

# Two processes, a file of tests in one of them: most tests keep one core busy.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile

test: venv
	$(PYTEST) -m 'not slow'

test-slow: venv
	$(PYTEST)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Needs `pip install uv`. Pins every package and its hashes for the CPU, on every platform.
lock:
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --extra cpu --extra dev pyproject.toml -o requirements.lock
