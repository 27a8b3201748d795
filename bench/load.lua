-- wrk's script: a signed delivery with a webhook-id of its own for each request, over a connection of its own.
-- PASSERELLE_REQUESTS names a file with one "id timestamp signature" a line, PASSERELLE_BODY the body of them all.
local head, body
local signed = {}
local sent = 0

function init(args)
  local file = assert(io.open(os.getenv("PASSERELLE_BODY"), "rb"))
  body = file:read("*a")
  file:close()
  head = "POST /webhook/gitlab HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n"
    .. "Content-Type: application/json\r\nUser-Agent: GitLab/19.1.0\r\nX-Gitlab-Event: Issue Hook\r\n"
    .. "X-Gitlab-Token: " .. os.getenv("PASSERELLE_TOKEN") .. "\r\nContent-Length: " .. #body .. "\r\n"
  for line in io.lines(os.getenv("PASSERELLE_REQUESTS")) do
    local id, stamp, signature = line:match("^(%S+) (%S+) (%S+)$")
    signed[#signed + 1] = "webhook-id: " .. id .. "\r\nIdempotency-Key: " .. id
      .. "\r\nwebhook-timestamp: " .. stamp .. "\r\nwebhook-signature: " .. signature .. "\r\n\r\n"
  end
end

function request()
  sent = sent + 1
  assert(signed[sent], "more requests are sent than there are")
  return head .. signed[sent] .. body
end

function done(summary, latency, requests)
  io.write(string.format(
    '{"seconds": %f, "answers": %d, "refused": %d, "broken": %d, "median_ms": %f, "p99_ms": %f}\n',
    summary.duration / 1e6, summary.requests, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
