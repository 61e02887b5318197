-- Asks prepared requests in turn: the arguments name a file with one body or path a line, the method, the path, and a header or none.
local requests, turn = {}, 0

function init(arguments)
  local method, path, authorization = arguments[2], arguments[3], arguments[4]
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
  if authorization then headers["Authorization"] = authorization end
  for line in io.lines(arguments[1]) do
    if method == "GET" then
      requests[#requests + 1] = wrk.format("GET", line, headers)
    else
      requests[#requests + 1] = wrk.format(method, path, headers, line)
    end
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

-- The last line tells the load as JSON: microseconds, counts, bytes.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"max":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
