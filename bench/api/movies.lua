-- A different movie each time, in a fixed order: 1 to 1000 by steps of 7.
local id = 0
request = function()
  id = (id + 7) % 1000
  return wrk.format("GET", "/api/v1/movies/" .. (id + 1))
end
