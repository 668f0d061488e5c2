// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestUSDC} from "../src/dev/TestUSDC.sol";
import {ChangingDecimalsToken} from "./mocks/ChangingDecimalsToken.sol";
import {DelegateForwarder, ValueReader} from "./mocks/DelegateForwarder.sol";
import {EthForwarder} from "./mocks/EthForwarder.sol";
import {MultiTransfer} from "./mocks/MultiTransfer.sol";
import {NftToken} from "./mocks/NftToken.sol";
import {NonIndexedToken} from "./mocks/NonIndexedToken.sol";
import {RevertedFrame} from "./mocks/RevertedFrame.sol";
import {SelfdestructBurst, SelfdestructSender} from "./mocks/SelfdestructSender.sol";
import {SpoofToken} from "./mocks/SpoofToken.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @notice The mocks that other tests of the gateway use do misbehave as they say.
contract MocksTest {
    address payable private constant PAYEE = payable(address(0x9A7EE));

    bytes32 private constant TRANSFER = keccak256("Transfer(address,address,uint256)");

    function setUp() public {
        vm.deal(address(this), 100);
    }

    function test_EthForwarderPaysByInternalCalls() public {
        EthForwarder forwarder = new EthForwarder();
        forwarder.forward{value: 10}(PAYEE);
        forwarder.forwardMany{value: 30}(PAYEE, 3);
        vm.assertEq(PAYEE.balance, 40);
    }

    function test_RevertedFrameSucceedsAndPaysNothing() public {
        new RevertedFrame().pretend{value: 10}(PAYEE);
        vm.assertEq(PAYEE.balance, 0);
    }

    function test_SelfdestructPaysWithoutACall() public {
        new SelfdestructBurst().burst{value: 10}(PAYEE);
        SelfdestructSender sender = new SelfdestructSender();
        sender.destroy{value: 5}(PAYEE);
        vm.assertEq(PAYEE.balance, 15);
    }

    function test_DelegatecallMovesNothing() public {
        DelegateForwarder forwarder = new DelegateForwarder();
        forwarder.delegate{value: 10}(address(new ValueReader()));
        vm.assertEq(address(forwarder).balance, 10);
    }

    function test_NftTransferHasFourTopics() public {
        NftToken token = new NftToken();
        vm.recordLogs();
        token.mint(PAYEE, 7);
        expectShape(4, 0);
    }

    function test_NonIndexedTransferHasOneTopic() public {
        NonIndexedToken token = new NonIndexedToken();
        vm.recordLogs();
        token.mint(PAYEE, 7);
        expectShape(1, 96);
    }

    function test_SpoofTokenLogsTransfersThatNeverHappened() public {
        SpoofToken token = new SpoofToken();
        vm.recordLogs();
        token.pretend(address(this), PAYEE, 7);
        expectShape(3, 32);
        vm.assertEq(token.balanceOf(PAYEE), 0);
    }

    function test_DecimalsChange() public {
        ChangingDecimalsToken token = new ChangingDecimalsToken();
        vm.assertEq(token.decimals(), 6);
        token.setDecimals(18);
        vm.assertEq(token.decimals(), 18);
    }

    function test_MultiTransferLogsTheSamePaymentSeveralTimes() public {
        TestUSDC usdc = new TestUSDC();
        MultiTransfer caller = new MultiTransfer();
        usdc.mint(address(caller), 30);
        usdc.mint(address(this), 20);
        usdc.approve(address(caller), 20);

        vm.recordLogs();
        caller.transferMany(usdc, PAYEE, 10, 3);
        caller.transferFromMany(usdc, address(this), PAYEE, 10, 2);

        vm.assertEq(usdc.balanceOf(PAYEE), 50);
        vm.assertEq(vm.getRecordedLogs().length, 5);
    }

    function expectShape(uint256 topics, uint256 dataBytes) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], TRANSFER);
        vm.assertEq(logs[0].topics.length, topics);
        vm.assertEq(logs[0].data.length, dataBytes);
    }
}
