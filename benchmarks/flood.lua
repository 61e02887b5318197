-- Sends bodies that were never sent before. The arguments are a file with one template a line, the first number, the path, and
-- optionally the value of the Authorization header. `@` in a template becomes the next number.
local templates, number, path, headers = {}, 0, "/", { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }

function init(arguments)
  number, path = tonumber(arguments[2]), arguments[3]
  headers["Authorization"] = arguments[4]
  for line in io.lines(arguments[1]) do
    templates[#templates + 1] = line
  end
end

function request()
  number = number + 1
  local body = templates[number % #templates + 1]:gsub("@", number)
  return wrk.format("POST", path, headers, body)
end

-- The last line of the output is the result as JSON: times in microseconds, counts, bytes.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"max":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
