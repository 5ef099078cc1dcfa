//! The JSON Schema of a policy file, for editors.

use super::document::PolicyDocument;

/// The schema, made from the types that read policies.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(PolicyDocument);
    schema.insert("title".into(), "Lobsterpot policy".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::super::read::KEYS;
    use super::schema;

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        let schema = schema();
        let keys = schema["properties"].as_object().unwrap();
        assert_eq!(keys.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(
            schema["required"],
            serde_json::json!(["name", "description"])
        );
    }

    #[test]
    fn the_schema_has_no_trace_of_how_places_are_kept() {
        assert!(!schema().to_string().contains("spanned"));
    }
}
