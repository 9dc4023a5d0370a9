from misc.drawings.layouts import cub

TABLES = {
    "CUB_200_2011/images.txt": """1 001.Name_0/Name_0_0001.jpg
2 001.Name_0/Name_0_0002.jpg
3 003.Name_2/Name_2_0001.jpg
""",
    "CUB_200_2011/classes.txt": "1 001.Name_0\n3 003.Name_2\n",
    "CUB_200_2011/image_class_labels.txt": "1 1\n2 1\n3 3\n",
    "CUB_200_2011/bounding_boxes.txt": """1 0.0 1.0 10.0 20.0
2 0.0 2.0 10.0 20.0
3 2.0 1.0 10.0 20.0
""",
    "CUB_200_2011/train_test_split.txt": "1 1\n2 0\n3 1\n",
    "CUB_200_2011/attributes/attributes.txt": "1 5_o_Clock_Shadow\n2 Bald\n3 Young\n",
    "CUB_200_2011/attributes/certainties.txt": """1 not visible
2 guessing
3 probably
4 definitely
""",
    "CUB_200_2011/attributes/image_attribute_labels.txt": "".join(
        f"{i} 1 1 4 0.0\n{i} 2 0 4 0.0\n{i} 3 0 1 0.0\n" for i in (1, 2, 3)
    ),
    "trainvalclasses.txt": "001.Name_0\n",
    "testclasses.txt": "003.Name_2\n",
}


def test_the_tables_of_three_pictures(write_fake):
    out, entries, told = write_fake(cub, [2, 0, 1])
    texts = {
        f"text_c10/{entry.path[len(cub.IMAGES) : -4]}.txt": "".join(
            f"caption {k} of {entry.item.seed}\n" for k in range(10)
        )
        for entry in entries
    }
    written = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert written == TABLES.keys() | texts.keys()
    for name, content in (TABLES | texts).items():
        assert (out / name).read_bytes() == content.encode(), name
    assert told == {}
