//! The JSON Schema of workflows, made of the same tables that read them.

use super::block::{Argument, Default, Kind};
use super::{blocks, metric};
use serde_json::{Map, Value, json};

/// The schema, JSON Schema 2020-12.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of tapetum",
        "description": "Run by `tapetum run WORKFLOW.json`.",
        "type": "object",
        "additionalProperties": false,
        "required": ["data"],
        "properties": {
            "$schema": text("where this schema is"),
            "title": text("of the report"),
            "description": text("what the workflow is for; the report begins with it"),
            "data": { "description": "what is read, by name", "type": "object", "additionalProperties": data() },
            "parameters": { "description": "by name", "type": "object", "additionalProperties": parameter() },
            "blocks": { "description": "in order", "type": "array", "items": { "oneOf": blocks::all().map(block).collect::<Vec<_>>() } },
            "losses": { "description": "whose weighted sum is learnt from", "type": "array", "items": term() },
            "train": train(),
            "split": split(),
            "metrics": { "type": "array", "items": metrics() },
            "results": { "description": "values that are written and shown", "type": "array", "items": object(&["value"], json!({
                "value": text("its name"),
                "title": text("what to call it"),
                "picture": { "enum": ["none", "heat_map", "lines"] },
            })) },
        },
    })
}

fn text(what: &str) -> Value {
    json!({ "type": "string", "description": what })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn files(what: &str) -> Value {
    json!({ "description": what, "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
}

fn numbers(what: &str, n: usize) -> Value {
    json!({ "description": what, "type": "array", "items": { "type": "number" }, "minItems": n, "maxItems": n })
}

fn whole(least: usize, what: &str) -> Value {
    json!({ "description": what, "type": "integer", "minimum": least })
}

fn data() -> Value {
    let layout = json!({ "enum": ["time-regions", "regions-time"] });
    json!({ "oneOf": [
        object(&["series"], json!({
            "series": files("a file of [subjects, time, regions], or of one subject; or a list of files, a subject each"),
            "layout": layout,
            "atlas": text("by which images have series"),
            "frames": numbers("the first frame and the one after the last", 2),
        })),
        object(&["table", "column"], json!({
            "table": text("a .csv or .tsv with a header, a row a subject"),
            "column": text("its name"),
            "classes": { "description": "0 and 1 of two; one-hot of more", "type": "array", "items": { "type": "string" }, "minItems": 2 },
            "standardise": { "description": "by mean and deviation of the subjects learnt from", "type": "boolean" },
        })),
        object(&["array"], json!({ "array": text("a .npy"), "per": { "enum": ["all", "subject"] } })),
        object(&["confounds"], json!({
            "confounds": files("tables as fMRIPrep writes them, a subject each"),
            "strategy": { "enum": crate::connectome::confounds::Strategy::ALL.map(crate::connectome::confounds::Strategy::name) },
            "columns": { "type": "array", "items": { "type": "string" } },
            "formula": text("such as dd1((rps + wm + csf + gsr)^^2)"),
            "frames": numbers("the first frame and the one after the last", 2),
            "keep_non_steady_state": { "description": "whether volumes stay that the table calls not in the steady state", "type": "boolean" },
        })),
    ] })
}

fn parameter() -> Value {
    let extent = json!({ "oneOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.]*\\[-?[0-9]\\]$" }] });
    let number = json!({ "type": "number" });
    let positive = json!({ "type": "number", "exclusiveMinimum": 0 });
    let axis = json!({ "type": "integer" });
    object(
        &["shape"],
        json!({
            "shape": { "description": "numbers, and extents of values' axes such as series[1]", "type": "array", "items": extent },
            "init": { "description": "zeros, normal and uniform are of the free parameter; the others of its image", "oneOf": [
                { "const": "zeros" },
                object(&["constant"], json!({ "constant": number })),
                object(&["identity"], json!({ "identity": number })),
                object(&["normal"], json!({ "normal": positive })),
                object(&["uniform"], json!({ "uniform": numbers("[low, high]", 2) })),
                object(&["dirichlet"], json!({ "dirichlet": positive })),
                object(&["band", "tr"], json!({ "band": numbers("[low, high], hertz", 2), "tr": positive })),
                object(&["file"], json!({ "file": text("a .npy of the parameter's shape") })),
            ] },
            "domain": { "oneOf": [
                { "enum": ["free", "positive"] },
                object(&["simplex"], json!({ "simplex": axis, "temperature": positive })),
                object(&["between"], json!({ "between": numbers("[low, high]", 2) })),
                object(&["tanh"], json!({ "tanh": positive })),
                object(&["affine"], json!({ "affine": numbers("[scale, shift]", 2) })),
                object(&["sphere"], json!({ "sphere": axis })),
            ] },
            "learn": { "type": "boolean", "default": true },
            "per": { "description": "one for all, or one a subject", "enum": ["all", "subject"] },
        }),
    )
}

fn block(block: &super::block::Block) -> Value {
    let mut properties = Map::new();
    properties.insert("name".into(), text("of what it makes"));
    properties.insert("block".into(), json!({ "const": block.name }));
    properties.extend(block.arguments.iter().map(|a| (a.name.to_owned(), argument(a))));
    let needed = block.arguments.iter().filter(|a| matches!(a.default, Default::Required)).map(|a| a.name);
    let required: Vec<&str> = ["name", "block"].into_iter().chain(needed).collect();
    let mut made = object(&required, Value::Object(properties));
    made["description"] = block.what.into();
    made
}

fn argument(argument: &Argument) -> Value {
    let mut made = match argument.kind {
        Kind::Value | Kind::Array => json!({ "type": "string" }),
        Kind::Values => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Whole(least) => json!({ "type": "integer", "minimum": least }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Pair => numbers("", 2),
        Kind::Axis => json!({ "type": "integer" }),
        Kind::Axes => json!({ "type": "array", "items": { "type": "integer" } }),
        Kind::Shrinkage => {
            json!({ "oneOf": [{ "enum": ["none", "ledoit-wolf", "oas"] }, object(&["ridge"], json!({ "ridge": { "type": "number" } }))] })
        }
    };
    made["description"] = argument.what.into();
    match argument.default {
        // A whole number is written as one.
        Default::Number(x) if x.fract() == 0.0 => made["default"] = json!(x as i64),
        Default::Number(x) => made["default"] = json!(x),
        Default::Text(text) => made["default"] = text.into(),
        Default::Flag(flag) => made["default"] = flag.into(),
        Default::Required | Default::Absent | Default::All => {}
    }
    made
}

fn schedule(what: &str) -> Value {
    let warm = whole(1, "steps from nothing to the full value");
    let kind = |key: &str, of: Value| object(&[key], json!({ key: of, "warm_up": warm }));
    json!({ "description": what, "oneOf": [
        { "type": "number" },
        kind("constant", json!({ "type": "number" })),
        kind("linear", numbers("[first, last]", 2)),
        kind("cosine", numbers("[first, last]", 2)),
        kind("step", numbers("[start, factor, every]", 3)),
    ] })
}

fn term() -> Value {
    let axes = json!({ "type": "array", "items": { "type": "integer" } });
    let plain = ["mean", "sum", "mean_square", "max", "min"];
    let mut kinds = vec![json!({ "enum": plain })];
    kinds.extend(plain.map(|key| object(&[key], json!({ key: { "const": true }, "axes": axes }))));
    kinds.extend(["norm", "soft_maximum", "soft_minimum"].map(|key| object(&[key], json!({ key: { "type": "number" }, "axes": axes }))));
    let one = json!({ "oneOf": kinds });
    object(
        &["name", "score"],
        json!({
            "name": text("of the term"),
            "score": text("the value that is reduced to a number"),
            "weight": schedule("what it is multiplied by"),
            "reduce": { "description": "over all axes, or some after the other", "oneOf": [one, { "type": "array", "items": one, "minItems": 1 }] },
        }),
    )
}

fn train() -> Value {
    let number = json!({ "type": "number" });
    object(
        &["steps", "rate"],
        json!({
            "steps": whole(1, "of each fold"),
            "batch": whole(1, "subjects of a step; all where it is not given"),
            "optimiser": { "enum": ["adam", "adamw", "sgd"] },
            "rate": schedule("the learning rate"),
            "decay": number, "momentum": number, "beta1": number, "beta2": number,
            "clip": { "description": "what the gradients' common norm is held to", "type": "number", "exclusiveMinimum": 0 },
            "checkpoint": whole(1, "steps from one checkpoint to the next"),
        }),
    )
}

fn split() -> Value {
    let column = object(&["table", "column"], json!({ "table": text("a .csv or .tsv, a row a subject"), "column": text("its name") }));
    json!({ "description": "which subjects are learnt from, and which judged; all are both where it is not given", "oneOf": [
        object(&["folds"], json!({ "folds": whole(2, "how many"), "stratify": column })),
        object(&["leave_out"], json!({ "leave_out": column })),
        object(&["test", "values"], json!({ "test": column, "values": { "type": "array", "items": { "type": "string" } } })),
    ] })
}

fn metrics() -> Value {
    json!({ "oneOf": [
        object(&["metric", "of"], json!({ "name": text("in the report"), "metric": { "const": "mean" }, "of": text("a value") })),
        object(&["metric", "predicted", "target"], json!({
            "name": text("in the report"),
            "metric": { "enum": metric::AGAINST },
            "predicted": text("a value [subjects], or logits [subjects, classes]"),
            "target": text("another of that shape"),
        })),
    ] })
}
