"""Graphs as networkx writes them, and the matrices that networkx makes of them: graphs.json. Needs networkx and numpy."""

import io
import json
import os

import networkx as nx
import numpy as np

np.random.seed(5)


def text(write, graph):
    out = io.BytesIO()
    write(graph, out)
    return out.getvalue().decode()


def matrix(graph, nodes):
    return nx.to_numpy_array(graph, nodelist=nodes).tolist()


names = ["V1", "V2 & co", "MT", "LO \"2\"", "hV4"]
undirected = nx.Graph()
for i, a in enumerate(names):
    for j, b in enumerate(names[i + 1 :], i + 1):
        if (i + j) % 4:
            undirected.add_edge(a, b, weight=round(float(np.random.randn()), 3))
directed = nx.DiGraph()
for a in range(6):
    for b in range(6):
        if a != b and np.random.rand() < 0.5:
            directed.add_edge(10 - a, 10 - b, weight=int(np.random.randint(1, 9)))
plain = nx.Graph()
plain.add_weighted_edges_from([("AVAL", "AVBR", 2.5), ("RIML", "AVAL", 1.25), ("AVBR", "SMDVL", 4.0)])
# The only data of edges is not called weight.
fibres = nx.Graph()
fibres.add_edge("1", "2", number_of_fibers=12)
fibres.add_edge("2", "3", number_of_fibers=7)

files = {}
for name, graph in [("undirected", undirected), ("directed", directed), ("plain", plain), ("fibres", fibres)]:
    key = "number_of_fibers" if name == "fibres" else "weight"
    nodes = list(graph)
    files[name + ".graphml"] = {
        "text": text(nx.write_graphml_xml, graph),
        "names": [str(n) for n in nodes],
        "matrix": nx.to_numpy_array(graph, nodelist=nodes, weight=key).tolist(),
    }
for name, graph in [("directed", directed), ("plain", plain)]:
    # Nodes in the order of appearance in the list, and numbers in theirs.
    edges = nx.to_pandas_edgelist(graph)
    nodes = list(dict.fromkeys(x for row in edges.itertuples() for x in (row.source, row.target)))
    nodes = sorted(nodes) if name == "directed" else nodes
    entry = {"names": [str(n) for n in nodes], "matrix": matrix(graph, nodes)}
    files[name + ".txt"] = {"text": text(nx.write_weighted_edgelist, graph), **entry}
    files[name + ".csv"] = {"text": edges.to_csv(index=False), **entry}
    files[name + ".tsv"] = {"text": edges.rename(columns={"source": "pre", "target": "post"}).to_csv(index=False, sep="\t"), **entry}

path = os.path.join(os.path.dirname(__file__), "graphs.json")
with open(path, "w") as out:
    json.dump(files, out, indent=1)
    out.write("\n")
