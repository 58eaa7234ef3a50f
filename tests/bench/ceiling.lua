-- SPDX-License-Identifier: MIT
-- For wrk: asks for the paths in the file that is named behind `--`, in turn, round and round.
local asked, n = {}, 0

function init(args)
    for path in io.lines(args[1]) do
        asked[#asked + 1] = wrk.format("GET", path)
    end
end

function request()
    n = n % #asked + 1
    return asked[n]
end
