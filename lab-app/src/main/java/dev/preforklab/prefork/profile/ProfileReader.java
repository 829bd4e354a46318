package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.preforklab.cpython.ParserMessage;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads a profile file: gzip of JSON lines, a header, then records that each have one key. The
 * whole file is checked while it is read; whatever is wrong with it is one {@link
 * ProfileException}.
 */
public final class ProfileReader {
  /** The schema this reader knows. */
  public static final int SCHEMA = 1;

  private static final JsonFactory JSON = new JsonFactory();

  private ProfileReader() {}

  /**
   * Reads and checks a profile.
   *
   * @throws ProfileException if the file is missing, unreadable, truncated, damaged or not a
   *     profile, or contradicts itself
   */
  public static Profile read(Path file) {
    if (Files.isDirectory(file)) {
      throw new ProfileException(file, "is a directory, not a profile");
    }
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        InputStream in = new GZIPInputStream(raw, 1 << 16);
        JsonParser parser = JSON.createParser(in)) {
      return readRecords(file, parser);
    } catch (NoSuchFileException e) {
      throw new ProfileException(file, "no such file", e);
    } catch (EOFException e) {
      throw new ProfileException(file, "truncated: the compressed data ends too early", e);
    } catch (ZipException e) {
      throw new ProfileException(file, "not intact gzip data: " + e.getMessage(), e);
    } catch (JsonProcessingException e) {
      throw new ProfileException(
          file,
          "line "
              + e.getLocation().getLineNr()
              + ": not valid JSON: "
              + ParserMessage.plain(e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new ProfileException(file, "can't be read: " + e.getMessage(), e);
    }
  }

  private static Profile readRecords(Path file, JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw new ProfileException(file, "not a profile: its first line is no JSON object");
    }
    ProfileHeader header = ProfileHeader.read(file, parser);
    ProfileAssembler assembler = new ProfileAssembler(file, header);
    RecordParser records = new RecordParser(file, parser, assembler);
    long lines = 1;
    boolean ended = false;
    while (parser.nextToken() != null) {
      lines++;
      if (ended) {
        throw new ProfileException(file, "line " + lines + ": data after the end record");
      }
      ended = records.readRecord(lines);
    }
    if (!ended) {
      throw new ProfileException(file, "truncated: no end record after " + lines + " lines");
    }
    return assembler.finish();
  }
}
