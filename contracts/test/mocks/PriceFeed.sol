// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A price feed, or a sequencer uptime feed, that says whatever a test tells it to say.
contract PriceFeed {
    struct Round {
        uint80 roundId;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredInRound;
    }

    uint8 public decimals;
    Round private round;

    constructor(uint8 places, int256 answer) {
        decimals = places;
        update(answer);
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return (round.roundId, round.answer, round.startedAt, round.updatedAt, round.answeredInRound);
    }

    /// @notice An honest round, answered in this block.
    function update(int256 answer) public {
        uint80 next = round.roundId + 1;
        round = Round(next, answer, block.timestamp, block.timestamp, next);
    }

    /// @notice Any round at all.
    function say(uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound) external {
        round = Round(roundId, answer, startedAt, updatedAt, answeredInRound);
    }

    function setDecimals(uint8 places) external {
        decimals = places;
    }
}
