package dev.preforklab.web;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.preforklab.experiment.live.HostSnapshot;
import dev.preforklab.experiment.live.LabSnapshot;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * Snapshots as JSON: the records' own component names; a figure that is not a number yet (a latency
 * before the first request) is null.
 */
final class SnapshotJson {
  private static final ObjectMapper WHOLE = new ObjectMapper().registerModule(finiteDoubles());

  /** Charts need no process table; without it five minutes of history are a fifth of the size. */
  private static final ObjectMapper WITHOUT_PROCESSES =
      WHOLE.copy().addMixIn(HostSnapshot.class, HostWithoutProcesses.class);

  private SnapshotJson() {}

  static byte[] state(LabSnapshot snapshot) throws JsonProcessingException {
    return WHOLE.writeValueAsBytes(snapshot);
  }

  static byte[] history(List<LabSnapshot> snapshots) throws JsonProcessingException {
    return WITHOUT_PROCESSES.writeValueAsBytes(snapshots);
  }

  static byte[] object(Map<String, ?> fields) throws JsonProcessingException {
    return WHOLE.writeValueAsBytes(fields);
  }

  @JsonIgnoreProperties({"master", "workers"})
  private interface HostWithoutProcesses {}

  private static SimpleModule finiteDoubles() {
    SimpleModule module = new SimpleModule();
    module.addSerializer(Double.class, new FiniteDouble());
    module.addSerializer(Double.TYPE, new FiniteDouble());
    return module;
  }

  private static final class FiniteDouble extends StdSerializer<Double> {
    private static final long serialVersionUID = 1L;

    FiniteDouble() {
      super(Double.class);
    }

    @Override
    public void serialize(Double value, JsonGenerator out, SerializerProvider provider)
        throws IOException {
      if (Double.isFinite(value)) {
        out.writeNumber(value);
      } else {
        out.writeNull();
      }
    }
  }
}
