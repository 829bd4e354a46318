package dev.preforklab.scenario;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Flattens a YAML file into settings by dotted key. Reads tokens, not trees, because only a token
 * still has its line and its text as written ({@code python: 3.10} is not the number 3.1).
 */
final class YamlSettings {
  /** The one key whose value is a map of the user's own names. */
  private static final String ENTRIES_KEY = "load.mix";

  private final String file;
  private final YAMLParser parser;
  private final Map<String, Setting> settings = new LinkedHashMap<>();

  private YamlSettings(String file, YAMLParser parser) {
    this.file = file;
    this.parser = parser;
  }

  /**
   * Reads all of a file.
   *
   * @param file how errors name it
   * @throws InputException if it is no YAML map, or a key comes twice
   */
  static Map<String, Setting> read(String file, Reader reader) {
    try (YAMLParser parser = new YAMLFactory().createParser(reader)) {
      YamlSettings yaml = new YamlSettings(file, parser);
      JsonToken first = parser.nextToken();
      if (first == null) {
        return yaml.settings;
      }
      if (first != JsonToken.START_OBJECT) {
        throw new InputException(file + ": must be a map of settings (key: value)");
      }
      yaml.map("");
      if (parser.nextToken() != null) {
        throw new InputException(file + ": holds more than one document");
      }
      return yaml.settings;
    } catch (JsonProcessingException e) {
      throw new InputException(file + lineOf(e.getLocation()) + ": not YAML: " + firstLine(e), e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static String firstLine(JsonProcessingException e) {
    String message = e.getOriginalMessage();
    return message == null ? "syntax error" : message.lines().findFirst().orElse("syntax error");
  }

  private static String lineOf(@org.jspecify.annotations.Nullable JsonLocation location) {
    return location == null || location.getLineNr() < 1 ? "" : ":" + location.getLineNr();
  }

  private void map(String prefix) throws IOException {
    for (JsonToken token = parser.nextToken();
        token == JsonToken.FIELD_NAME;
        token = parser.nextToken()) {
      String key = prefix + parser.currentName();
      String origin = file + lineOf(parser.currentTokenLocation()) + ": " + key;
      JsonToken value = parser.nextToken();
      if (value == JsonToken.START_OBJECT && key.equals(ENTRIES_KEY)) {
        put(key, new Setting(origin, null, null, entries(origin)));
      } else if (value == JsonToken.START_OBJECT) {
        if (!prefix.isEmpty()) {
          throw new InputException(origin + ": nested too deeply");
        }
        map(key + ".");
      } else if (value == JsonToken.START_ARRAY) {
        put(key, new Setting(origin, null, items(origin), null));
      } else {
        put(key, Setting.ofText(origin, scalar(origin, value)));
      }
    }
  }

  private void put(String key, Setting setting) {
    if (settings.put(key, setting) != null) {
      throw new InputException(setting.origin() + ": is there twice");
    }
  }

  private List<String> items(String origin) throws IOException {
    List<String> items = new ArrayList<>();
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      items.add(scalar(origin, token));
    }
    return items;
  }

  private Map<String, String> entries(String origin) throws IOException {
    Map<String, String> entries = new LinkedHashMap<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      if (entries.put(name, scalar(origin, parser.nextToken())) != null) {
        throw new InputException(origin + ": names " + name + " twice");
      }
    }
    return entries;
  }

  private String scalar(String origin, JsonToken token) throws IOException {
    if (!token.isScalarValue()) {
      throw new InputException(origin + ": must be a plain value");
    }
    return token == JsonToken.VALUE_NULL ? "none" : parser.getText();
  }
}
