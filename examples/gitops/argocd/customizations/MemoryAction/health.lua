-- How Argo CD sees a MemoryAction: a command is done once the operator has answered it.
local hs = { status = "Progressing", message = "Waiting for the operator's answer" }

if obj.status == nil or obj.status.outcome == nil then
  return hs
end
hs.message = obj.status.message or obj.status.outcome
if obj.status.outcome == "Accepted" then
  hs.status = "Healthy"
elseif obj.status.outcome == "Refused" then
  hs.status = "Degraded"
end
return hs
