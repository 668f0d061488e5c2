// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PriceFeed} from "./mocks/PriceFeed.sol";
import {vm} from "./support/Vm.sol";

/// @notice The feed that the gateway's tests read answers as AggregatorV3Interface does, and lies on demand.
contract PriceFeedTest {
    PriceFeed private feed;

    function setUp() public {
        feed = new PriceFeed(8, 200_000_000_000);
    }

    function test_AnUpdateIsACompleteRoundOfThisBlock() public {
        feed.update(200_100_000_000);
        (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            feed.latestRoundData();
        vm.assertEq(uint256(roundId), 2);
        vm.assertEq(uint256(answer), 200_100_000_000);
        vm.assertEq(startedAt, block.timestamp);
        vm.assertEq(updatedAt, block.timestamp);
        vm.assertEq(uint256(answeredIn), 2);
        vm.assertEq(uint256(feed.decimals()), 8);
    }

    function test_ItSaysWhatItIsTold() public {
        feed.say(9, -1, 3, 4, 5);
        feed.setDecimals(18);
        (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredIn) =
            feed.latestRoundData();
        vm.assertEq(uint256(roundId), 9);
        assert(answer == -1);
        vm.assertEq(startedAt, 3);
        vm.assertEq(updatedAt, 4);
        vm.assertEq(uint256(answeredIn), 5);
        vm.assertEq(uint256(feed.decimals()), 18);
    }
}
